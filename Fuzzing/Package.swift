// swift-tools-version:6.2
import PackageDescription

// A package of its own, so that nobody who builds or installs the product builds this. It needs the fuzzer's runtime:
// scripts/fuzz builds everything with `--sanitize=fuzzer`.
let package = Package(
  name: "Fuzzing",
  dependencies: [.package(name: "streamd", path: "..")],
  targets: [
    .executableTarget(
      name: "fuzz",
      dependencies: [.product(name: "StreamdProbes", package: "streamd")],
      swiftSettings: [
        .treatAllWarnings(as: .error),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
      ])
  ]
)
