import Control
import Wire

/// What is read can be written and means the same.
func probeJSON(_ bytes: UnsafeRawBufferPointer) -> Probe.Finding {
  guard let value = try? JSON.parse(Array(bytes)) else { return .refused }
  let text = value.bytes
  guard let again = try? JSON.parse(text) else { return .broken("wrote what it cannot read") }
  return again == value ? .accepted : .broken("written otherwise")
}

func probeSDP(_ bytes: UnsafeRawBufferPointer) -> Probe.Finding {
  guard let session = try? SessionDescription(parsing: String(decoding: bytes, as: UTF8.self)) else { return .refused }
  // What others say need not be what we would.
  guard let text = try? session.text() else { return .accepted }
  guard let again = try? SessionDescription(parsing: text) else { return .broken("wrote what it cannot read: \(text)") }
  return again == session ? .accepted : .broken("written otherwise: \(text)")
}
