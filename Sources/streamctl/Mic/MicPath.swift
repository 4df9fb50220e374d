import Glibc
import VirtualMic

/// Where a talker's packets go.
protocol MicPath: AnyObject {
  /// Never waits. False when it is over: nobody is there any more.
  func send(_ datagram: [UInt8]) -> Bool
  /// Packets that found no room.
  var lost: Int { get }
}

final class NetworkMicPath: MicPath {
  let lost = 0
  private let socket: ReceiverSocket
  private let peer: SocketPeer

  init(to peer: SocketPeer) throws(ReceiverError) {
    self.peer = peer
    socket = try ReceiverSocket(address: peer.anyAddress, port: 0)
  }

  func send(_ datagram: [UInt8]) -> Bool {
    socket.send(datagram, to: peer)
    return true
  }
}

final class LocalMicPath: MicPath {
  private(set) var lost = 0
  private let connection: LocalMicConnection

  init(_ path: String) throws(MicSocketError) { connection = try LocalMicConnection(path: path) }

  func send(_ datagram: [UInt8]) -> Bool {
    switch connection.send(datagram) {
    case .sent: return true
    case .full: lost += 1
    case .gone: return false
    }
    return true
  }
}
