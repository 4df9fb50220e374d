// swift-tools-version:6.2
import PackageDescription

// A package of its own, so that nobody who builds or installs the product builds this.
let package = Package(
  name: "Benchmarks",
  dependencies: [.package(name: "streamd", path: "..")],
  targets: [
    .executableTarget(
      name: "bench",
      dependencies: [.product(name: "StreamdRooms", package: "streamd")],
      swiftSettings: [
        .treatAllWarnings(as: .error),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
      ])
  ]
)
