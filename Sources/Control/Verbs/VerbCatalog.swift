internal import CLinux

/// What a verb's file leaves in the binary: the number 1, then a function that hands out the verb's descriptor.
/// It must be a constant, so that the linker can lay all records side by side.
public typealias VerbRecord = (mark: UInt, export: @convention(c) @Sendable () -> UInt)

/// The body of a record's function.
public func exportVerb<Exported: Verb>(_ verb: Exported.Type) -> UInt { export(VerbDescriptor(verb)) }

/// The body of a record's function.
public func exportVerb<Exported: DeferredVerb>(_ verb: Exported.Type) -> UInt { export(VerbDescriptor(verb)) }

/// The operations a socket serves, sorted by name. Everything that relies on linker sections is in this file.
public struct VerbCatalog: Sendable {
  public let verbs: [VerbDescriptor]
  private let places: [String: Int]

  /// Two verbs of one name are our own bug.
  public init(_ verbs: [VerbDescriptor]) {
    self.verbs = verbs.sorted { $0.name < $1.name }
    places = Dictionary(uniqueKeysWithValues: self.verbs.enumerated().map { ($0.element.name, $0.offset) })
  }

  /// Every verb linked into this program.
  public static let linked = VerbCatalog(linkedVerbs())

  public subscript(name: String) -> VerbDescriptor? { places[name].map { verbs[$0] } }

  public var names: [String] { verbs.map(\.name) }
}

private final class ExportedVerb {
  let descriptor: VerbDescriptor
  init(_ descriptor: VerbDescriptor) { self.descriptor = descriptor }
}

/// A C function can return no Swift object, so the reference travels as a number and is taken back below.
private func export(_ descriptor: VerbDescriptor) -> UInt {
  unsafe UInt(bitPattern: Unmanaged.passRetained(ExportedVerb(descriptor)).toOpaque())
}

private func linkedVerbs() -> [VerbDescriptor] {
  var bytes = 0
  guard let start = unsafe clinux_verb_section(&bytes) else { return [] }
  var verbs: [VerbDescriptor] = []
  var offset = 0
  while offset + MemoryLayout<VerbRecord>.stride <= bytes {
    let record = unsafe start.load(fromByteOffset: offset, as: VerbRecord.self)
    guard record.mark == 1 else {
      // Padding the linker put between two files' records.
      offset += MemoryLayout<UInt>.stride
      continue
    }
    if let address = unsafe UnsafeRawPointer(bitPattern: record.export()) {
      unsafe verbs.append(Unmanaged<ExportedVerb>.fromOpaque(address).takeRetainedValue().descriptor)
    }
    offset += MemoryLayout<VerbRecord>.stride
  }
  return verbs
}
