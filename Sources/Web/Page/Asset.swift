/// A part of the page. The build puts the files of `Source` into the program, so nothing is read from a disk or from elsewhere.
public struct Asset: Sendable, Equatable {
  public let path: String
  public let type: String
  public let bytes: [UInt8]

  public static let all: [Asset] = [
    Asset(path: "/", type: "text/html; charset=utf-8", bytes: PackageResources.page_html),
    Asset(path: "/page.css", type: "text/css; charset=utf-8", bytes: PackageResources.page_css),
    Asset(path: "/icon.svg", type: "image/svg+xml", bytes: PackageResources.icon_svg),
    script("page", PackageResources.page_js), script("link", PackageResources.link_js),
    script("meters", PackageResources.meters_js), script("graph", PackageResources.graph_js),
    script("panels", PackageResources.panels_js), script("channels", PackageResources.channels_js),
    script("talk", PackageResources.talk_js),
  ]

  private static func script(_ name: String, _ bytes: [UInt8]) -> Asset {
    Asset(path: "/\(name).js", type: "text/javascript; charset=utf-8", bytes: bytes)
  }
}
