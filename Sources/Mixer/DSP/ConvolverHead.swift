import AudioCore

/// The first taps of a convolution, summed frame by frame: what makes up for the delay of those that come by spectrum.
///
/// Sixteen neighbouring frames share a tap. Each frame's sum runs in the same order whatever else is summed with it.
/// Thread: render.
enum ConvolverHead {
  /// Taps that are summed so; a spectrum serves the next ones from here.
  static var taps: Int { @_noLocks get { 64 } }

  /// Adds `count` taps, of which the first meets the frame that `sound` points at. What lies before it must be at hand, and
  /// sixteen frames behind the last; as many behind the last of `into` may be overwritten.
  @_noLocks
  static func add(
    _ response: UnsafePointer<Float>, _ count: Int, _ sound: UnsafePointer<Float>,
    into: UnsafeMutablePointer<Float>, frames: Int
  ) {
    var frame = 0
    while frame &+ 4 < frames {
      let from = UnsafeRawPointer(sound + frame)
      let to = UnsafeMutableRawPointer(into + frame)
      var sum = to.loadUnaligned(as: SIMD16<Float>.self)
      for tap in 0..<count {
        sum += from.loadUnaligned(fromByteOffset: tap &* -4, as: SIMD16<Float>.self) * response[tap]
      }
      to.storeBytes(of: sum, as: SIMD16<Float>.self)
      frame &+= 16
    }
    while frame < frames {
      let from = UnsafeRawPointer(sound + frame)
      let to = UnsafeMutableRawPointer(into + frame)
      var sum = to.loadUnaligned(as: SIMD4<Float>.self)
      for tap in 0..<count {
        sum += from.loadUnaligned(fromByteOffset: tap &* -4, as: SIMD4<Float>.self) * response[tap]
      }
      to.storeBytes(of: sum, as: SIMD4<Float>.self)
      frame &+= 4
    }
  }
}
