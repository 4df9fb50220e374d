import ALSAIO
import AudioIO
import JACKIO
import PipeWireIO

/// Who watches each sound system's devices.
enum DeviceSystems {
  /// Each from when it is first asked for. The watches do not need their backends.
  static func live(pipewire: PipeWireBackend, numbers: DeviceNumbers) -> LiveDevices {
    let watch = pipewire.devices
    return LiveDevices(
      ["pipewire": { watch }, "alsa": { ALSABackend().devices }, "jack": { JACKBackend().devices }], numbers: numbers)
  }
}
