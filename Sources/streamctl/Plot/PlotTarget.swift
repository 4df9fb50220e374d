import Glibc

/// A picture to be written, as its name says.
struct PlotTarget {
  let path: String
  private let isSVG: Bool

  init(_ path: String) throws(Failure) {
    let name = path.lowercased()
    guard name.hasSuffix(".svg") || name.hasSuffix(".png") else {
      throw Failure(.usage, "usage", "--plot \(path): a name that ends in .svg or .png")
    }
    self.path = path
    isSVG = name.hasSuffix(".svg")
  }

  func write(_ trace: RenderTrace) throws(Failure) {
    if isSVG {
      var canvas = SVGCanvas(width: RenderChart.width, height: RenderChart.height)
      RenderChart(trace).draw(on: &canvas)
      try write(canvas.file())
    } else {
      var canvas = PNGCanvas(width: RenderChart.width, height: RenderChart.height)
      RenderChart(trace).draw(on: &canvas)
      try write(canvas.file())
    }
  }

  private func write(_ bytes: [UInt8]) throws(Failure) {
    guard let file = fopen(path, "we") else {
      throw Failure(.refused, "file_error", "\(path): \(String(cString: strerror(errno)))")
    }
    let count = fwrite(bytes, 1, bytes.count, file)
    guard fclose(file) == 0, count == bytes.count else {
      throw Failure(.refused, "file_error", "\(path): could not be written whole")
    }
  }
}
