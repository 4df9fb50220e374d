import AudioCore
import AudioIO
import JACKIO
import TestSupport

/// A JACK server. Its physical ports are there as long as it is.
final class JACKUnderTest: BackendUnderTest {
  let backend: any AudioBackend
  private let server: PrivateJACK

  init() throws {
    server = try PrivateJACK()
    backend = JACKBackend(server: server.name)
  }

  func run(until condition: () -> Bool) -> Bool { waitUntil(timeout: 15, condition) }
  func runOn() { _ = waitUntil(timeout: 0.3) { false } }

  func loseDevice() throws { throw SupportError("physical ports go with their server") }
  func returnDevice() throws { throw SupportError("physical ports come with their server") }
  func loseServer() throws { server.kill() }
  func returnServer() throws { try server.restart() }
  func changeDevice(channels: Int) throws { throw SupportError("ports are the stream's to choose") }
}
