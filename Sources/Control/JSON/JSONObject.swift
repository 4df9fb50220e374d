/// The members of a JSON object in the order they were written. A name given twice keeps its first place and last value.
/// Large objects carry an index, so that a hostile object with many names costs linear time.
public struct JSONObject: Sendable {
  public typealias Member = (key: String, value: JSON)

  private var keyList: [String] = []
  private var valueList: [JSON] = []
  private var places: [String: Int] = [:]

  /// Below this a linear search is faster than hashing.
  private static let indexedFrom = 12

  public init() {}

  public init(_ members: some Sequence<(String, JSON)>) {
    for (key, value) in members { self[key] = value }
  }

  public var count: Int { keyList.count }
  public var isEmpty: Bool { keyList.isEmpty }
  public var keys: [String] { keyList }

  /// Setting nil removes the member.
  public subscript(key: String) -> JSON? {
    get { place(of: key).map { valueList[$0] } }
    set {
      guard let newValue else { return remove(key) }
      if let place = place(of: key) {
        valueList[place] = newValue
      } else {
        keyList.append(key)
        valueList.append(newValue)
        if keyList.count == Self.indexedFrom {
          rebuildPlaces()
        } else if keyList.count > Self.indexedFrom {
          places[key] = keyList.count - 1
        }
      }
    }
  }

  /// Adds the members of `other`; where both have a name, `other` wins.
  public mutating func merge(_ other: JSONObject) {
    for (key, value) in other { self[key] = value }
  }

  private func place(of key: String) -> Int? {
    keyList.count < Self.indexedFrom ? keyList.firstIndex(of: key) : places[key]
  }

  private mutating func remove(_ key: String) {
    guard let place = place(of: key) else { return }
    keyList.remove(at: place)
    valueList.remove(at: place)
    rebuildPlaces()
  }

  private mutating func rebuildPlaces() {
    places.removeAll(keepingCapacity: true)
    guard keyList.count >= Self.indexedFrom else { return }
    for (place, key) in keyList.enumerated() { places[key] = place }
  }
}

extension JSONObject: Sequence {
  public func makeIterator() -> AnyIterator<Member> {
    var next = 0
    return AnyIterator {
      guard next < keyList.count else { return nil }
      defer { next += 1 }
      return (keyList[next], valueList[next])
    }
  }
}

extension JSONObject: Equatable {
  /// Order carries no meaning.
  public static func == (left: JSONObject, right: JSONObject) -> Bool {
    left.count == right.count && left.allSatisfy { right[$0.key] == $0.value }
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (String, JSON)...) { self.init(elements) }
}
