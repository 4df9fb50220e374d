import Control
import Glibc
import WebAccess

/// The page and the interface over HTTP: where it is, and who else may reach it.
enum HTTPCommand: Command {
  static let name = "http"
  static let summary = "the page and HTTP: status, address, on for this computer or the LAN, off"
  static let usage = """
    usage: streamctl http [status]
           streamctl http url                    the page's address with the owner's token in it
           streamctl http on [--port N]          for this computer alone
           streamctl http lan --host NAME,… [--port N] [--listen ADDRESS] [--token NAME]
           streamctl http off
    lan opens it to the network, encrypted with a certificate of its own whose fingerprint is printed, by the names and
    addresses of this computer that you give. on, lan and off write conf.d/50-http.toml in the configuration folder, and
    tell the daemon if one runs.
    """
  static let values: Set<String> = ["--port", "--host", "--listen", "--token"]
  private static let usualPort = 8787

  static func run(_ options: Options) throws -> ExitStatus {
    do {
      switch options.words.first {
      case nil, "status": try status(options)
      case "url": try url(options)
      case "on": try turnOn(options)
      case "lan": try openToNetwork(options)
      case "off": try turnOff(options)
      default: throw Failure(.usage, "usage", usage)
      }
    } catch let error as AccessError {
      throw Failure(.refused, error.code, error.message)
    }
    return .ok
  }

  private static func status(_ options: Options) throws {
    try options.refuseWords(beyond: 1)
    show(try options.connect().request("http.status"), options)
  }

  private static func show(_ report: JSON, _ options: Options) {
    if options.asJSON { return print(report.text) }
    guard report["listening"] == true else {
      return print(report["trouble"]?.stringValue.map { "not open: \($0)" } ?? "not open; streamctl http on")
    }
    print("open on \(report["listen"]?.plain ?? "")\(report["tls"] == true ? " with TLS" : "")")
    let hosts = report["hosts"]?.arrayValue ?? []
    if !hosts.isEmpty { print("known as \(hosts.map(\.plain).joined(separator: ", "))") }
    if let fingerprint = report["fingerprint"]?.stringValue { print("certificate SHA-256 \(fingerprint)") }
  }

  private static func url(_ options: Options) throws {
    try options.refuseWords(beyond: 1)
    let report = try options.connect().request("http.status")
    guard report["listening"] == true, let listen = report["listen"]?.stringValue else {
      throw Failure(.refused, "not_listening", "HTTP is not open; streamctl http on")
    }
    guard !listen.hasPrefix("/") else {
      throw Failure(.refused, "unix_socket", "it is a Unix socket: curl --unix-socket \(listen) http://localhost/")
    }
    let hosts = report["hosts"]?.arrayValue?.compactMap(\.stringValue) ?? []
    let address = try WebAddress(listen)
    let page = address.isLocal ? "localhost" : hosts.first ?? "localhost"
    let token = try named(options.value("--token") ?? Token.firstName)
    let link = self.link(page, listen, isSecure: report["tls"] == true, token)
    print(options.asJSON ? JSON.object(["url": .string(link)]).text : link)
  }

  private static func link(_ host: String, _ listen: String, isSecure: Bool, _ token: Token) -> String {
    let port = listen.split(separator: ":").last.map(String.init) ?? ""
    let name = host.contains(":") ? "[\(host)]" : host
    return "\(isSecure ? "https" : "http")://\(name):\(port)/#token=\(token.secret)"
  }

  private static func named(_ name: String) throws -> Token {
    let book = try TokenFile.standard().readOrBegin()
    if let token = book.tokens.first(where: { $0.name == name }) { return token }
    throw Failure(.notFound, "not_found", "no token is named \(name)")
  }

  // MARK: Acts

  private static func turnOn(_ options: Options) throws {
    try options.refuseWords(beyond: 1)
    let port = try options.integer("--port", in: 1...65_535) ?? usualPort
    try apply(listen: "127.0.0.1:\(port)", hosts: [], isSecure: false, options)
    let link = link("localhost", ":\(port)", isSecure: false, try named(Token.firstName))
    print(options.asJSON ? JSON.object(["url": .string(link)]).text : link)
  }

  private static func openToNetwork(_ options: Options) throws {
    try options.refuseWords(beyond: 1)
    let hosts = (options.value("--host") ?? "").split(separator: ",").map(String.init)
    let isPlain = hosts.allSatisfy { host in
      host.utf8.allSatisfy { "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:".utf8.contains($0) }
    }
    guard !hosts.isEmpty, isPlain else {
      throw Failure(.usage, "usage", "--host NAME,…: the names or addresses by which this computer is known to others")
    }
    let port = try options.integer("--port", in: 1...65_535) ?? usualPort
    let address = options.value("--listen") ?? "0.0.0.0"
    guard isAddress(address) else { throw Failure(.usage, "usage", "--listen \(address): an address of this computer") }
    let listen = "\(address.contains(":") ? "[\(address)]" : address):\(port)"
    let certificate = try CertificateFiles.standard().make(hosts: hosts)
    try apply(listen: listen, hosts: hosts, isSecure: true, options)
    let link = link(hosts[0], listen, isSecure: true, try named(options.value("--token") ?? Token.firstName))
    if options.asJSON {
      return print(JSON.object(["url": .string(link), "fingerprint": .string(certificate.fingerprint)]).text)
    }
    print(link)
    print("Browsers will warn once. Compare the certificate's SHA-256 fingerprint before you go on:")
    print(certificate.fingerprint)
  }

  private static func turnOff(_ options: Options) throws {
    try options.refuseWords(beyond: 1)
    try apply(listen: "", hosts: [], isSecure: false, options)
    if !options.asJSON { print("HTTP is off") }
  }

  private static func apply(listen: String, hosts: [String], isSecure: Bool, _ options: Options) throws {
    let text = """
      # Written by streamctl http.
      [http]
      listen = "\(listen)"
      hosts = "\(hosts.joined(separator: ", "))"
      tls = \(isSecure)

      """
    let path = try StateFolder.configuration() + "/conf.d/50-http.toml"
    let before = try StateFolder.contents(of: path, atMost: 1 << 20)
    try StateFolder.replace(path, with: Array(text.utf8))
    do {
      let report: JSON
      do {
        report = try options.connect().request("http.reload")
      } catch let error as ControlClientError {
        // What the daemon does not take is not kept.
        if case .refused = error { try restore(path, before, options) }
        throw error
      }
      guard report["listen"]?.stringValue == listen else {
        try restore(path, before, options)
        throw Failure(
          .refused, "other_configuration",
          "the daemon reads another configuration than \(path): set [http] where it was told to look; nothing is changed"
        )
      }
      if listen.isEmpty, options.asJSON { print(report.text) }
    } catch let error as ControlClientError {
      guard case .notRunning = error else { throw Failure(error) }
      Console.note("no daemon runs; it is so from its next start on")
    }
  }

  /// As it was, also for the daemon.
  private static func restore(_ path: String, _ before: [UInt8]?, _ options: Options) throws {
    if let before {
      try StateFolder.replace(path, with: before)
    } else {
      try StateFolder.remove(path)
    }
    _ = try? options.connect().request("http.reload")
  }
}
