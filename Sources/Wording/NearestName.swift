/// The known name somebody most likely meant: a third of its letters may be wrong, missing, doubled or swapped, or the
/// name may have been cut short. Thread: any.
public func nearestName(to word: String, among names: some Sequence<String>) -> String? {
  guard (1...64).contains(word.utf8.count) else { return nil }
  let wanted = Array(word.lowercased().utf8)
  var best: (name: String, distance: Int)?
  for name in names {
    let known = Array(name.lowercased().utf8.prefix(64))
    let allowed = max(1, min(wanted.count, known.count) / 3)
    var distance = editDistance(wanted, known)
    if wanted.count >= 3, known.starts(with: wanted) { distance = min(distance, 1) }
    if distance <= allowed, distance < best?.distance ?? .max { best = (name, distance) }
  }
  return best?.name
}

/// Damerau-Levenshtein in its restricted form: insert, delete, replace, swap two neighbours.
func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
  var beforeLast = [Int](repeating: 0, count: right.count + 1)
  var last = Array(0...right.count)
  var row = last
  for i in left.indices {
    row[0] = i + 1
    for j in right.indices {
      let replaced = last[j] + (left[i] == right[j] ? 0 : 1)
      row[j + 1] = min(last[j + 1] + 1, row[j] + 1, replaced)
      if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
        row[j + 1] = min(row[j + 1], beforeLast[j - 1] + 1)
      }
    }
    (beforeLast, last, row) = (last, row, beforeLast)
  }
  return last[right.count]
}
