/// What is remembered of applications whose streams come and go. Thread: any, it is a value.
public struct LevelMemory: Sendable {
  public struct Entry: Sendable, Equatable {
    public var user: [Float]
    /// Whether the user chose it while we were there.
    public var isCeiling: Bool
    /// What we wrote last: a session manager gives it to the application's next stream.
    public var written: [Float]

    public init(user: [Float], isCeiling: Bool, written: [Float]) {
      self.user = user
      self.isCeiling = isCeiling
      self.written = written
    }

    /// What a new stream's volumes mean: the user's, and our factor to them. Nil when they have nothing to do with it.
    func recall(_ volumes: [Float]) -> (user: [Float], scale: Double)? {
      guard volumes.count == user.count, let most = user.max(), most > 0 else { return nil }
      if LevelKeeper.same(volumes, written) { return (user, Double((written.max() ?? 0) / most)) }
      guard isCeiling, let loudest = volumes.max(), loudest >= most else { return nil }
      // A new stream that is louder than the user had it begins where the user left off.
      return (user, Double(loudest / most))
    }
  }

  public static let most = 256

  private var entries: [String: Entry] = [:]
  /// The one that was not used for longest comes first.
  private var order: [String] = []

  public init() {}

  /// Of the application with these labels.
  public func entry(for labels: AppLabels) -> Entry? { entries[labels.memoryKey] }

  public mutating func remember(_ entry: Entry, for labels: AppLabels) {
    let key = labels.memoryKey
    guard !key.isEmpty else { return }
    order.removeAll { $0 == key }
    order.append(key)
    entries[key] = entry
    if order.count > Self.most { entries[order.removeFirst()] = nil }
  }

  public mutating func forget(_ labels: AppLabels) {
    entries[labels.memoryKey] = nil
    order.removeAll { $0 == labels.memoryKey }
  }
}
