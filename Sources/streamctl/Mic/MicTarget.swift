import VirtualMic
import Wire

extension MicSendPlan.Target {
  var text: String {
    switch self {
    case .sealed(let host, let port, _, _), .gameStream(let host, let port, _, _): "\(host):\(port)"
    case .local(let path): path
    }
  }

  func envelope(_ padding: GameStreamMicSender.Padding) throws -> any MicEnvelope {
    switch self {
    case .sealed(_, _, let key, let session):
      return try SealedEnvelope(key: try MicKey(from: key, session: session), session: session)
    case .gameStream(_, _, let key, let keyID):
      return try GameStreamEnvelope(key: key, keyID: keyID, padding: padding)
    case .local: return LocalEnvelope()
    }
  }

  func path() throws -> any MicPath {
    switch self {
    case .sealed(let host, let port, _, _), .gameStream(let host, let port, _, _):
      let peer = try Endpoint.peer(host, port)
      do throws(ReceiverError) { return try NetworkMicPath(to: peer) } catch {
        throw Failure(.refused, error.code, error.message)
      }
    case .local(let path):
      do throws(MicSocketError) { return try LocalMicPath(path) } catch {
        throw Failure(error.code == "denied" ? .refused : .notFound, "mic_\(error.code)", error.message)
      }
    }
  }
}
