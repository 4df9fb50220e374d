import AudioCore

/// What the far end was, as spectra of two blocks, one for each block: the newest and those of the half second before.
/// Thread: render, but for its life.
struct EchoReference: ~Copyable {
  let block: Int
  let bins: Int
  /// Numbers from one row to the next.
  let stride: Int
  /// Spectra that are kept.
  let depth: Int
  private let spectra: UnsafeMutablePointer<Float>
  /// Whether each has anything to hear.
  private let heard: UnsafeMutablePointer<Bool>
  private let sound: UnsafeMutablePointer<Float>
  private var newest = 0

  init(block: Int, depth: Int) {
    self.block = block
    self.depth = depth
    bins = block + 1
    stride = (bins + 15) / 16 * 16
    spectra = .allocate(capacity: 2 * stride * depth)
    heard = .allocate(capacity: depth)
    sound = .allocate(capacity: 2 * block)
    spectra.initialize(repeating: 0, count: 2 * stride * depth)
    heard.initialize(repeating: false, count: depth)
    sound.initialize(repeating: 0, count: 2 * block)
  }

  deinit {
    spectra.deallocate()
    heard.deallocate()
    sound.deallocate()
  }

  @_noLocks
  mutating func reset() {
    renderZero(spectra, floats: 2 &* stride &* depth)
    renderZero(sound, floats: 2 &* block)
    for row in 0..<depth { heard[row] = false }
  }

  /// Where frames of the block that fills belong.
  var filling: UnsafeMutablePointer<Float> { @_noLocks get { sound + block } }

  /// The block is full. One that nobody could hear counts as silence: it teaches nothing.
  @_noLocks
  mutating func turn(_ transform: borrowing RealTransform) {
    newest = newest &+ 1 == depth ? 0 : newest &+ 1
    var power: Float = 0
    for frame in 0..<2 &* block { power += sound[frame] * sound[frame] }
    heard[newest] = power > 2e-9 * Float(block)
    let row = spectra + 2 &* stride &* newest
    if heard[newest] {
      transform.forward(sound, row, row + stride)
    } else {
      renderZero(row, floats: 2 &* stride)
    }
    renderCopy(sound, from: sound + block, floats: block)
  }

  @_noLocks
  private func place(_ age: Int) -> Int { newest >= age ? newest &- age : newest &- age &+ depth }

  /// Real parts; imaginary ones lie a stride behind.
  @_noLocks
  func spectrum(_ age: Int) -> UnsafeMutablePointer<Float> { spectra + 2 &* stride &* place(age) }

  @_noLocks
  func isHeard(_ age: Int) -> Bool { heard[place(age)] }
}
