import Policy
import Settings

/// Files that are only in memory.
struct MemoryFiles: ProfileFiles {
  var contents: [String: [UInt8]]
  var brokenDirectories: Set<String> = []

  init(_ texts: [String: String]) { contents = texts.mapValues { Array($0.utf8) } }

  func names(in directory: String) throws(SettingsError) -> [String] {
    if brokenDirectories.contains(directory) {
      throw SettingsError(code: .unreadable, file: directory, message: "cannot be read")
    }
    return contents.keys.filter { $0.hasPrefix(directory + "/") }.map { String($0.dropFirst(directory.count + 1)) }
      .filter { !$0.contains("/") }.sorted()
  }

  func read(_ path: String) throws(SettingsError) -> [UInt8] {
    guard let bytes = contents[path] else {
      throw SettingsError(code: .unreadable, file: path, message: "cannot be read")
    }
    return bytes
  }
}

/// A profile of one text.
func profile(_ text: String, file: String = "p.toml") throws -> Profile {
  var store = ProfileStore(places: [ProfilePlace("/u", .user)])
  store.reload(from: MemoryFiles(["/u/\(file)": text]))
  if let error = store.errors.first { throw error }
  let name = String(file.dropLast(5))
  guard let found = store[name] ?? store.entries.first(where: { $0.origin == .user }).flatMap({ store[$0.name] }) else {
    throw SettingsError(code: .notFound, file: file, message: "not there")
  }
  return found
}

/// What is wrong with a text.
func problems(_ text: String, _ vocabulary: ProfileText.Vocabulary = .init()) -> [SettingsError] {
  do throws(SettingsErrors) {
    _ = try ProfileText(text: text, file: "p.toml", vocabulary: vocabulary)
    return []
  } catch {
    return error.errors
  }
}

/// The checkout's own directory of profiles.
let shippedDirectory: String = {
  let here = #filePath
  return "/" + here.split(separator: "/").dropLast(3).joined(separator: "/") + "/profiles"
}()
