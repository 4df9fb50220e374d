import Control
import GraphFiles
import Wording

/// Chains by name or from files.
enum ChainFile {
  /// A file larger than this is no chain.
  private static let longest = 1 << 20

  static func chain(_ name: String) throws(Failure) -> Chain {
    if let preset = ChainPresets[name] { return preset }
    guard name.contains("/") || name.hasSuffix(".json") else {
      let near = nearestName(to: name, among: ChainPresets.all.map(\.name)).map { "; did you mean \($0)?" } ?? ""
      throw Failure(.notFound, "not_found", "there is no chain \(name)\(near) (a file's name ends in .json)")
    }
    let json = try JSONFile.read(name, longest: longest, noun: "chain")
    do throws(GraphDocumentError) { return try Chain(json, name: name) } catch {
      throw Failure(.refused, error.code, "\(name): \(error.message)")
    }
  }
}
