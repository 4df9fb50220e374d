// Made from Source/icon.svg by scripts/embed-page.
extension PageText {
  static let iconSVG = Asset(
    path: "/icon.svg", type: "image/svg+xml",
    text: #"""
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#14506e"/>
      <path d="M3 8v2M6 5v6M9 3v10M12 6v4" stroke="#fff" stroke-width="1.6" stroke-linecap="round"/></svg>

      """#)
}
