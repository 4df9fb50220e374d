import Control
import Glibc
import Settings
import Web
import WebAccess

/// The HTTP door as it is configured. It is closed and opened as a whole; whoever was connected comes back by themselves.
@ControlActor
final class HTTPDoor {
  private let control: String
  private let log: Log
  private let read: @ControlActor () throws -> Settings.HTTP
  private(set) var settings = Settings.HTTP()
  private(set) var fingerprint: String?
  private(set) var trouble: String?
  private var server: WebServer?

  /// `read` reads the configuration anew.
  init(control: String, log: Log, read: @escaping @ControlActor () throws -> Settings.HTTP) {
    (self.control, self.log, self.read) = (control, log, read)
  }

  /// A door that cannot be opened costs only itself.
  func open(_ wanted: Settings.HTTP) {
    close()
    settings = wanted
    (trouble, fingerprint) = (nil, nil)
    guard !wanted.listen.isEmpty else { return }
    do throws(AccessError) {
      let address = try WebAddress(wanted.listen)
      guard address.isLocal || !wanted.names.isEmpty else {
        throw AccessError(
          "no_hosts", "\(wanted.listen) is for others too, and http.hosts names nobody: streamctl http lan")
      }
      let certificate = wanted.isSecure ? try CertificateFiles.standard().readOrMake(hosts: wanted.names) : nil
      fingerprint = certificate?.fingerprint
      server = try WebServer(
        WebTerms(
          listen: wanted.listen, hosts: wanted.names, certificate: certificate, tokens: try TokenFile.standard(),
          controlPath: control, version: Daemon.version))
      log.info("http on \(wanted.listen)\(wanted.isSecure ? " with TLS" : "")")
      if !address.isLocal, !wanted.isSecure {
        log.warning("http on \(wanted.listen) is not encrypted: tokens cross the network as they are")
      }
    } catch {
      trouble = error.message
      log.error("http: \(error.message)")
    }
  }

  func close() {
    server?.stop()
    server = nil
  }

  func reload() throws(ControlError) -> JSON {
    let wanted: Settings.HTTP
    do { wanted = try read() } catch { throw ControlError(.conflict, "the configuration is not good: \(error)") }
    open(wanted)
    if let trouble { throw ControlError(.unavailable, trouble) }
    return report
  }

  var report: JSON {
    var members: JSONObject = [
      "listening": .bool(server != nil), "listen": .string(settings.listen), "tls": .bool(settings.isSecure),
      "hosts": JSON(settings.names),
    ]
    if let trouble { members["trouble"] = .string(trouble) }
    if let fingerprint { members["fingerprint"] = .string(fingerprint) }
    return .object(members)
  }
}
