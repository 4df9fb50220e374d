// Made by scripts/embed-page.

/// The files of the page.
enum PageText {
  static let parts: [Asset] = [
    pageHTML, pageCSS, iconSVG, pageJS, linkJS, metersJS, graphJS, panelsJS, talkJS,
  ]
}
