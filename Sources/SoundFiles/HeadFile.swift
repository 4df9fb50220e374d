import AudioCore
import CSofaSystem
import Glibc

/// Measurements around a head in a SOFA file, through libmysofa. A file that is damaged on purpose crashes that library: a
/// process of its own reads it (`HeadProcess`). Thread: that process's only one.
struct HeadFile {
  private let file: UnsafeMutablePointer<MYSOFA_HRTF>
  private let path: String
  let rate: SampleRate
  /// Measurements, and samples of each.
  private let count: Int
  private let length: Int

  /// How far from a direction a measurement may be.
  static let tolerance = 20.0
  static let longest = 4.0
  static let mostBytes = 256 << 20
  /// What a delay by a part of a frame rings ahead and behind.
  private static let reach = 16

  init(path: String) throws(SoundFileError) {
    self.path = path
    var facts = stat()
    guard stat(path, &facts) == 0 else {
      throw SoundFileError(code: "file_error", message: "\(path): \(String(cString: strerror(errno)))")
    }
    guard facts.st_mode & S_IFMT == S_IFREG, facts.st_size <= Self.mostBytes else {
      throw Self.unusable(path, "is no file of at most \(Self.mostBytes >> 20) MiB")
    }
    var status: Int32 = 0
    guard let file = mysofa_load(path, &status) else {
      throw SoundFileError(code: "file_format", message: "\(path) is no SOFA file that can be read (\(status))")
    }
    self.file = file
    let tables = file.pointee
    (count, length) = (Int(tables.M), Int(tables.N))
    let hertz = tables.DataSamplingRate.elements > 0 ? tables.DataSamplingRate.values[0] : 0
    rate = SampleRate(hertz: hertz >= 8000 && hertz <= 384_000 ? Int(hertz) : 8000)
    do throws(SoundFileError) { try check(hertz) } catch {
      mysofa_free(file)
      throw error
    }
    mysofa_tocartesian(file)
  }

  func close() { mysofa_free(file) }

  private static func unusable(_ path: String, _ what: String) -> SoundFileError {
    SoundFileError(code: "file_unusable", message: "\(path) \(what)")
  }

  /// What the library's own check leaves open.
  private func check(_ hertz: Float) throws(SoundFileError) {
    let facts = file.pointee
    let status = mysofa_check(file)
    guard status == Int32(MYSOFA_OK) else {
      throw Self.unusable(path, "is not of SimpleFreeFieldHRIR (\(status))")
    }
    guard hertz >= 8000, hertz <= 384_000, hertz == hertz.rounded() else {
      throw Self.unusable(path, "has \(hertz) Hz: 8000 to 384000 go")
    }
    guard facts.R == 2, count > 0, length > 0, Double(length) <= Self.longest * Double(hertz) else {
      throw Self.unusable(path, "has \(facts.R) ears and responses of \(length) frames: 2 and at most 4 s go")
    }
    let delays = Int(facts.DataDelay.elements)
    guard Int(facts.DataIR.elements) == 2 * count * length, Int(facts.SourcePosition.elements) == 3 * count,
      facts.ReceiverPosition.elements >= 6, delays == 2 || delays == 2 * count
    else { throw Self.unusable(path, "has tables of other sizes than it says") }
  }

  /// The measurements nearest to these directions; another length than the file's where they have delays.
  func responses(_ azimuths: [Double]) throws(SoundFileError) -> HeadResponses {
    var places: [Int] = []
    for azimuth in azimuths { places.append(try nearest(azimuth)) }
    let facts = file.pointee
    // Cartesian: y is to the left.
    let isSwapped = facts.ReceiverPosition.values[1] < facts.ReceiverPosition.values[4]
    let ears = isSwapped ? [1, 0] : [0, 1]
    let perMeasurement = facts.DataDelay.elements > 2
    var delays: [Double] = []
    for place in places {
      for ear in ears { delays.append(Double(facts.DataDelay.values[perMeasurement ? 2 * place + ear : ear])) }
    }
    let most = delays.max() ?? 0
    guard delays.allSatisfy({ $0 >= 0 && $0 <= Double(rate.hertz) }) else {
      throw Self.unusable(path, "has delays beyond a second")
    }
    let isWhole = delays.allSatisfy { $0 == $0.rounded() }
    let frames = length + Int(most.rounded(.up)) + (isWhole ? 0 : 2 * Self.reach)
    var planes: [[Float]] = []
    for (index, place) in places.enumerated() {
      for (side, ear) in ears.enumerated() {
        let raw = Array(UnsafeBufferPointer(start: facts.DataIR.values + (2 * place + ear) * length, count: length))
        let sound = raw.map { $0.magnitude < 1000 ? $0 : 0 }
        planes.append(Self.later(sound, by: delays[2 * index + side], frames: frames, isWhole: isWhole))
      }
    }
    return HeadResponses(rate: rate, planes: planes)
  }

  private func nearest(_ azimuth: Double) throws(SoundFileError) -> Int {
    let positions = file.pointee.SourcePosition
    let angle = azimuth * .pi / 180
    let (x, y) = (cos(angle), -sin(angle))
    var (best, place) = (-2.0, 0)
    for index in 0..<count {
      let (px, py, pz) = (
        Double(positions.values[3 * index]), Double(positions.values[3 * index + 1]),
        Double(positions.values[3 * index + 2])
      )
      let near = (px * x + py * y) / (px * px + py * py + pz * pz).squareRoot()
      if near > best { (best, place) = (near, index) }
    }
    guard best >= cos(Self.tolerance * .pi / 180) else {
      throw Self.unusable(path, "has nothing within \(Int(Self.tolerance)) degrees of \(Int(azimuth))")
    }
    return place
  }

  private static func later(_ sound: [Float], by delay: Double, frames: Int, isWhole: Bool) -> [Float] {
    var out = [Float](repeating: 0, count: frames)
    guard !isWhole else {
      for (frame, sample) in sound.enumerated() { out[frame + Int(delay)] = sample }
      return out
    }
    // All are later by the same reach, so that nothing rings ahead of its beginning.
    let whole = Int(delay)
    let rest = delay - Double(whole)
    let taps = (-reach + 1...reach).map { tap -> Float in
      let time = Double(tap) - rest
      let window = 0.5 + 0.5 * cos(.pi * time / Double(reach + 1))
      return Float(time == 0 ? 1 : sin(.pi * time) / (.pi * time) * window)
    }
    for (frame, sample) in sound.enumerated() {
      for (index, weight) in taps.enumerated() { out[frame + whole + index + 1] += sample * weight }
    }
    return out
  }
}
