import Synchronization

/// Brings what waits in a live memory into chunks: frames and gaps in the order in which they came. Thread: worker.
enum LiveDrain {
  /// What throws leaves everything where it can go on. Nothing leaves the memory before a chunk's file tells of it, so that a
  /// process that is killed loses nothing; what it did twice then is told by positions.
  static func run(
    _ face: LiveFace, into series: ChunkSeries, told: (_ position: Int, _ length: Int, GapCause) -> Void
  ) throws(DiskError) {
    // In this order: marks that belong to frames after these stay.
    let written = face.written.pointee.load(ordering: .acquiring)
    var number = face.marksTaken.pointee.load(ordering: .relaxed)
    do throws(DiskError) {
      while series.frame < written {
        var end = written
        if let mark = face.mark(number: number), mark.frame < written {
          if mark.frame <= series.frame {
            try take(mark, series, told)
            number += 1
            continue
          }
          end = mark.frame
        }
        let first = series.frame & (face.capacity - 1)
        let count = min(end - series.frame, face.capacity - first)
        _ = try series.write(
          UnsafeRawBufferPointer(start: face.samples + first * face.frameBytes, count: count * face.frameBytes))
      }
    } catch {
      try letGo(face, series, number)
      throw error
    }
    try letGo(face, series, number)
  }

  private static func letGo(_ face: LiveFace, _ series: ChunkSeries, _ marks: Int) throws(DiskError) {
    try series.commit()
    face.marksTaken.pointee.store(marks, ordering: .releasing)
    face.copied.pointee.store(series.frame, ordering: .releasing)
  }

  private static func take(
    _ mark: GapMark, _ series: ChunkSeries, _ told: (Int, Int, GapCause) -> Void
  ) throws(DiskError) {
    let cause = UInt32(exactly: mark.cause).flatMap { GapCause(rawValue: $0) } ?? .missed
    let position = series.position
    // One that is in a chunk already is behind us.
    guard mark.position > position, mark.position < 1 << 48 else { return }
    try series.skip(to: mark.position, cause)
    told(position, mark.position - position, cause)
  }
}
