public import Settings
import Wording

/// All profiles there are. Thread: any, it is a value; reading waits for a disk.
public struct ProfileStore: Sendable {
  /// A profile as lists show it.
  public struct Entry: Sendable, Equatable {
    public var name: String
    public var description: String
    public var origin: ProfilePlace.Origin
    /// Nil for the built-in one.
    public var file: String?
    public var warnings: [SettingsError]
  }

  /// The last counts first.
  public let places: [ProfilePlace]
  private let vocabulary: ProfileText.Vocabulary
  /// What was read last of every file that was good then.
  private var texts: [String: ProfileText] = [:]
  private var profiles: [String: (profile: Profile, origin: ProfilePlace.Origin)] = [:]
  /// What is wrong with files. A file that was good before stays as it was.
  public private(set) var errors: [SettingsError] = []

  /// Has the built-in profile until it is reloaded.
  public init(places: [ProfilePlace] = [], vocabulary: ProfileText.Vocabulary = ProfileText.Vocabulary()) {
    self.places = places
    self.vocabulary = vocabulary
    profiles["default"] = (BuiltInProfile.profile, .builtIn)
  }

  public subscript(name: String) -> Profile? { profiles[name]?.profile }

  /// By name.
  public var entries: [Entry] {
    profiles.sorted { $0.key < $1.key }.map { name, found in
      Entry(
        name: name, description: found.profile.description, origin: found.origin, file: found.profile.file,
        warnings: found.profile.warnings + found.profile.chainWarnings)
    }
  }

  public func nearest(to name: String) -> String? { nearestName(to: name, among: profiles.keys.sorted()) }

  /// Reads everything again. Gives the names of the profiles that are new, gone or different.
  @discardableResult
  public mutating func reload(from files: some ProfileFiles = DiskFiles()) -> Set<String> {
    let before = profiles
    errors = []
    var layers: [Layer] = [Layer(origin: .builtIn, texts: ["default": BuiltInProfile.text])]
    var read: [String: ProfileText] = [:]
    for place in places {
      let found = texts(in: place, files)
      for text in found { read[text.file] = text }
      layers.append(Layer(origin: place.origin, texts: Dictionary(uniqueKeysWithValues: found.map { ($0.name, $0) })))
    }
    texts = read
    profiles = [:]
    var resolver = ProfileResolver(layers: layers)
    for name in Set(layers.flatMap(\.texts.keys)).sorted() {
      do throws(SettingsErrors) {
        profiles[name] = try resolver.resolve(name)
      } catch {
        errors += error.errors
        profiles[name] = before[name]
      }
    }
    return Set(before.keys).union(profiles.keys).filter { before[$0]?.profile != profiles[$0]?.profile }
  }

  struct Layer {
    var origin: ProfilePlace.Origin
    var texts: [String: ProfileText]
  }

  /// The good files of a directory, and those that were.
  private mutating func texts(in place: ProfilePlace, _ files: some ProfileFiles) -> [ProfileText] {
    let names: [String]
    do throws(SettingsError) {
      names = try files.names(in: place.directory)
    } catch {
      errors.append(error)
      return texts.values.filter { $0.file.hasPrefix(place.directory + "/") }.sorted { $0.file < $1.file }
    }
    var found: [ProfileText] = []
    for name in names {
      let path = "\(place.directory)/\(name)"
      if let text = text(of: path, files) { found.append(text) }
    }
    return withoutClashes(found)
  }

  private mutating func text(of path: String, _ files: some ProfileFiles) -> ProfileText? {
    do throws(SettingsError) {
      let bytes = try files.read(path)
      do throws(SettingsErrors) {
        return try ProfileText(bytes, file: path, vocabulary: vocabulary)
      } catch {
        errors += error.errors
      }
    } catch {
      errors.append(error)
    }
    return texts[path]
  }

  /// Of several files with one name the one that had it before stays; without one, none counts.
  private mutating func withoutClashes(_ found: [ProfileText]) -> [ProfileText] {
    let groups = Dictionary(grouping: found, by: \.name)
    return found.filter { text in
      guard let group = groups[text.name], group.count > 1 else { return true }
      let owner = group.first { texts[$0.file]?.name == $0.name }
      if owner?.file == text.file, group.count(where: { texts[$0.file]?.name == $0.name }) == 1 { return true }
      let other = group.first { $0.file != text.file }?.file ?? ""
      var place = SettingOrigin(file: text.file, line: 0, column: 0)
      if case .file(let origin)? = text.values["name"]?.origin { place = origin }
      errors.append(
        SettingsError(
          code: .duplicateName, file: text.file, line: place.line, column: place.column, key: "name",
          message: "name: \(printable(other, limit: 4096)) is called \"\(printable(text.name))\" too"))
      return false
    }
  }
}
