import AudioIO
import CALSA
import CALSASystem
import Glibc
import Synchronization

/// Where PCMs are looked up: ALSA's own configuration, or files of somebody's choice, read again when they change.
final class PCMConfiguration: Sendable {
  private struct Tree: ~Copyable, @unchecked Sendable {
    var top: OpaquePointer?
    var update: OpaquePointer?
  }

  /// Paths with colons between them; nil for ALSA's own.
  private let files: String?
  /// Reading and looking up use the tree at one time by one thread.
  private let tree = Mutex(Tree())

  init(files: String?) {
    self.files = files
    calsa_be_quiet()
  }

  deinit {
    tree.withLock { tree in
      if let update = tree.update { snd_config_update_free(update) }
      if let top = tree.top { snd_config_delete(top) }
    }
  }

  /// PCMs that the configuration names, as it is now.
  var names: [NamedPCM] {
    guard let files else {
      var top: OpaquePointer?
      guard snd_config_update_ref(&top) >= 0, let top else { return [] }
      defer { snd_config_unref(top) }
      return NamedPCM.all(in: top)
    }
    return tree.withLock { tree in
      guard snd_config_update_r(&tree.top, &tree.update, files) >= 0, let top = tree.top else { return [] }
      return NamedPCM.all(in: top)
    }
  }

  func open(_ name: String, isPlayback: Bool) throws(BackendError) -> OpaquePointer {
    var handle: OpaquePointer?
    let direction = isPlayback ? SND_PCM_STREAM_PLAYBACK : SND_PCM_STREAM_CAPTURE
    var result: Int32 = 0
    if let files {
      result = tree.withLock { tree in
        let read = snd_config_update_r(&tree.top, &tree.update, files)
        guard read >= 0, let top = tree.top else { return read < 0 ? read : -ENOENT }
        return snd_pcm_open_lconf(&handle, name, direction, Int32(SND_PCM_NONBLOCK), top)
      }
    } else {
      result = snd_pcm_open(&handle, name, direction, Int32(SND_PCM_NONBLOCK))
    }
    guard result >= 0, let handle else {
      throw DeviceFailure.opening(name, isPlayback: isPlayback, result)
    }
    return handle
  }
}
