import Glibc

/// A sound card without hardware, which a test can starve, suspend and pull out: the plug-in in `Tests/SoftCard`, and a
/// configuration of ALSA with it and some PCMs that need none.
///
/// Thread: any; one at a time.
public final class SoftCard: @unchecked Sendable {
  /// In the order of `struct panel` in softcard.c.
  public enum Field: Int, Sendable {
    case gone, starve, suspended, cannotResume, stuck, rate, channels, ppm, format, access
    case opens, closes, starts, prepares, resumes, buffer
    case refuses, clocked
  }

  /// Numbers of ALSA's.
  public enum Format: Int32, Sendable, CaseIterable {
    case int16 = 2
    case int24 = 6
    case int32 = 10
    case float32 = 14
    case packed24 = 32

    public var bytes: Int { self == .int16 ? 2 : self == .packed24 ? 3 : 4 }
  }

  public enum Access: Int32, Sendable, CaseIterable {
    case mapped = 0
    case mappedPlanar = 1
    case plain = 3
    case plainPlanar = 4
  }

  /// The configuration; it names the PCMs `card`, `nothing`, `tofile`, `fromfile` and a `default`, which is the card.
  public var configuration: String { directory.path + "/asound.conf" }
  /// What the card has played, as it came.
  public var record: String { directory.path + "/played" }
  /// What `tofile` was given, and what `fromfile` has: floats of two channels.
  public var file: String { directory.path + "/file.raw" }

  private let directory: TemporaryDirectory
  private let panel: UnsafeMutablePointer<Int32>

  public init(
    format: Format = .int32, access: Access = .mapped, rate: Int32 = 48_000, channels: Int32 = 2, more: String = ""
  ) throws(SupportError) {
    let plugin = try Self.plugin.get()
    directory = try TemporaryDirectory()
    let path = directory.path + "/panel"
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0, ftruncate(file, 4096) == 0,
      let page = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), page != MAP_FAILED
    else { throw SupportError("\(path): \(String(cString: strerror(errno)))") }
    close(file)
    panel = page.assumingMemoryBound(to: Int32.self)
    self[.rate] = rate
    self[.channels] = channels
    self[.format] = format.rawValue
    self[.access] = access.rawValue
    try configure(
      """
      pcm_type.softcard { lib "\(plugin)" }
      pcm.card { type softcard; panel "\(path)"; record "\(record)" }
      pcm.!default pcm.card
      pcm.nothing { type null }
      pcm.tofile { type file; slave.pcm nothing; file "\(self.file)"; format raw }
      pcm.fromfile { type file; slave.pcm nothing; file "/dev/null"; infile "\(self.file)"; format raw }
      \(more)
      """)
  }

  deinit { munmap(panel, 4096) }

  /// Takes the place of the configuration, in one step.
  public func configure(_ text: String) throws(SupportError) {
    let fresh = configuration + ".new"
    guard let file = fopen(fresh, "w") else { throw SupportError(fresh) }
    let isWritten = fputs(text, file) >= 0
    guard fclose(file) == 0, isWritten, rename(fresh, configuration) == 0 else { throw SupportError(configuration) }
  }

  /// Of the panel. A knob of the test's, or a count of the card's.
  public subscript(field: Field) -> Int32 {
    get { UnsafeMutableRawPointer(panel + field.rawValue).load(as: Int32.self) }
    set { panel[field.rawValue] = newValue }
  }

  /// What the card has played, one array per channel.
  public func played(_ format: Format? = nil) throws(SupportError) -> [[Float]] {
    let format = format ?? Format(rawValue: self[.format])!
    return try Self.samples(of: record, format: format, channels: Int(self[.channels]))
  }

  public static func samples(of path: String, format: Format, channels: Int) throws(SupportError) -> [[Float]] {
    guard let file = fopen(path, "r") else { throw SupportError("cannot read \(path)") }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
    let frame = format.bytes * channels
    return (0..<channels).map { channel in
      (0..<bytes.count / frame).map { number in
        let start = number * frame + channel * format.bytes
        let raw = (0..<format.bytes).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << (8 * UInt32($1)) }
        switch format {
        case .float32: return Float(bitPattern: raw)
        case .int32: return Float(Double(Int32(bitPattern: raw)) / 2_147_483_648)
        case .int16: return Float(Int16(truncatingIfNeeded: raw)) / 32_768
        case .int24, .packed24: return Float(Int32(bitPattern: raw << 8) >> 8) / 8_388_608
        }
      }
    }
  }

  /// Built once in a process.
  private static let plugin: Result<String, SupportError> = {
    do throws(SupportError) {
      let place = try TemporaryDirectory()
      pluginPlace = place
      atexit { pluginPlace?.remove() }
      let path = place.path + "/softcard.so"
      let built = try Child.run([
        "cc", "-shared", "-fPIC", "-DPIC", "-O1", "-Wall", "-Werror", "-o", path,
        SourceTree.root + "/Tests/SoftCard/softcard.c", "-lasound", "-lm",
      ])
      guard built.status == 0 else { return .failure(SupportError("softcard: \(built.standardError)")) }
      return .success(path)
    } catch {
      return .failure(error)
    }
  }()
}

/// Where the plug-in lies until the process ends.
nonisolated(unsafe) private var pluginPlace: TemporaryDirectory?
