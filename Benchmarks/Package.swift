// swift-tools-version:6.2
import PackageDescription

// A package of its own, so that nobody who builds or installs the product builds this.
let package = Package(
  name: "Benchmarks",
  dependencies: [.package(name: "streamd", path: "..")],
  targets: [
    // Other people's resamplers.
    .systemLibrary(
      name: "CResamplers", path: "Sources/CResamplers", providers: [.apt(["libsoxr-dev", "libsamplerate0-dev"])]),
    // Other people's meter of loudness and true peak.
    .systemLibrary(
      name: "CLoudness", path: "Sources/CLoudness", pkgConfig: "libebur128", providers: [.apt(["libebur128-dev"])]),
    // Other people's limiters and compressors: ffmpeg's, and plugins.
    .target(
      name: "CPeers", path: "Sources/CPeers", linkerSettings: [.linkedLibrary("avfilter"), .linkedLibrary("avutil")]),
    // The same sums, plainly.
    .target(name: "CMix", path: "Sources/CMix", cSettings: [.unsafeFlags(["-O3"])]),
    .executableTarget(
      name: "bench",
      dependencies: ["CLoudness", "CMix", "CPeers", "CResamplers", .product(name: "StreamdRooms", package: "streamd")],
      swiftSettings: [
        .treatAllWarnings(as: .error),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
      ]),
  ]
)
