// swift-tools-version:6.2
import PackageDescription

/// What every Swift target is built with: Swift 6 mode comes with the tools version.
let house: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableExperimentalFeature("SymbolLinkageMarkers"),
]

/// Rooms that handle untrusted text and bytes also carry the strict memory safety checks.
let strict: [SwiftSetting] = house + [.strictMemorySafety()]

/// Render code is optimised in debug builds too, so that tests run it at its real speed.
let render: [SwiftSetting] =
  house + [.unsafeFlags(["-O"], .when(configuration: .debug))]

let package = Package(
  name: "streamd",
  products: [
    .executable(name: "streamd", targets: ["streamd"]),
    .executable(name: "streamctl", targets: ["streamctl"]),
    .library(
      name: "StreamdRooms",
      targets: ["AudioCore", "AudioIO", "PipeWireIO", "Capture", "Mixer", "OpusCodec", "Wire", "Wiring"]),
  ],
  targets: [
    // What Swift cannot see: macros, variadics, C++.
    .target(name: "CLinux", path: "Sources/CShims/Linux"),
    .systemLibrary(
      name: "CPipeWireSystem", path: "Sources/CShims/PipeWireSystem", pkgConfig: "libpipewire-0.3",
      providers: [.apt(["libpipewire-0.3-dev"])]),
    .target(name: "CPipeWire", dependencies: ["CPipeWireSystem", "CLinux"], path: "Sources/CShims/PipeWire"),
    .systemLibrary(
      name: "COpusSystem", path: "Sources/CShims/OpusSystem", pkgConfig: "opus",
      providers: [.apt(["libopus-dev"])]),
    .target(name: "COpus", dependencies: ["COpusSystem"], path: "Sources/CShims/Opus"),
    // Its calls are plain functions, so no shim stands before it.
    .systemLibrary(
      name: "CCryptoSystem", path: "Sources/CShims/CryptoSystem", pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"])]),
    .target(name: "CToml", path: "Sources/CShims/Toml"),

    // Vocabulary, codecs and packet formats.
    .target(name: "AudioCore", dependencies: ["CLinux"], swiftSettings: render),
    .target(name: "AudioIO", dependencies: ["AudioCore"], swiftSettings: render),
    .target(name: "OpusCodec", dependencies: ["AudioCore", "COpus"], swiftSettings: house),
    .target(name: "Wire", dependencies: ["AudioCore", "CCryptoSystem"], swiftSettings: house),

    // The audio path, in the order sound travels.
    .target(name: "PipeWireIO", dependencies: ["AudioIO", "AudioCore", "CPipeWire", "CLinux"], swiftSettings: render),
    .target(name: "Mixer", dependencies: ["AudioCore"], swiftSettings: render),
    .target(
      name: "Capture", dependencies: ["AudioCore", "AudioIO", "OpusCodec", "Wire", "CLinux"], swiftSettings: render),
    .target(name: "VirtualMic", dependencies: ["AudioCore", "AudioIO", "OpusCodec", "Wire"], swiftSettings: house),

    // Control plane.
    .target(name: "Wording", swiftSettings: strict),
    .target(name: "Control", dependencies: ["Wording", "CLinux"], swiftSettings: strict),
    .target(name: "Settings", dependencies: ["Wording", "CToml"], swiftSettings: strict),

    // What is changed of the user's world, and how it is put back.
    .target(name: "Leases", swiftSettings: strict),

    // Where the rooms of the audio path are joined: a library, so that a program can embed the capture.
    .target(
      name: "Wiring",
      dependencies: ["AudioCore", "AudioIO", "Capture", "Leases", "Mixer", "OpusCodec", "Wire", "CLinux"],
      path: "Sources/streamd/Wiring", swiftSettings: house),
    .executableTarget(
      name: "streamd",
      dependencies: [
        "AudioCore", "AudioIO", "PipeWireIO", "Capture", "OpusCodec", "Wire", "Wiring", "Leases", "Control", "Settings",
        "CLinux",
      ], exclude: ["Wiring"], swiftSettings: house),
    .executableTarget(
      name: "streamctl",
      dependencies: [
        "AudioCore", "AudioIO", "PipeWireIO", "VirtualMic", "OpusCodec", "Wire", "Control", "Wording", "CLinux",
      ], swiftSettings: house),
    .testTarget(name: "ControlTests", dependencies: ["Control"], swiftSettings: house),
    .testTarget(name: "SettingsTests", dependencies: ["Settings", "Wording"], swiftSettings: house),
    .testTarget(
      name: "OpusCodecTests", dependencies: ["OpusCodec", "AudioCore"],
      swiftSettings: house),
    .testTarget(name: "WireTests", dependencies: ["Wire", "AudioCore", "CRenderGuard"], swiftSettings: house),
    .testTarget(
      name: "StreamctlTests",
      dependencies: ["streamctl", "VirtualMic", "AudioCore", "OpusCodec", "Wire", "CLinux"], swiftSettings: house),
    .testTarget(
      name: "VirtualMicTests", dependencies: ["VirtualMic", "AudioCore", "OpusCodec", "Wire"],
      swiftSettings: house),
    // Optimised like what they test: hours of virtual time in seconds.
    .testTarget(name: "AudioCoreTests", dependencies: ["AudioCore"], swiftSettings: render),
    .testTarget(
      name: "MixerTests", dependencies: ["Mixer", "AudioIO", "AudioCore", "CRenderGuard"], swiftSettings: render),
    .testTarget(
      name: "CaptureTests", dependencies: ["Capture", "Mixer", "AudioIO", "AudioCore", "OpusCodec", "Wire"],
      swiftSettings: render),
    .testTarget(name: "AudioIOTests", dependencies: ["AudioIO", "AudioCore"], swiftSettings: house),
    .testTarget(
      name: "PipeWireIOTests", dependencies: ["PipeWireIO", "AudioIO", "AudioCore", "CPipeWire", "TestSupport"],
      swiftSettings: render),
    .testTarget(
      name: "ContractTests", dependencies: ["AudioIO", "PipeWireIO", "AudioCore", "TestSupport"],
      swiftSettings: house),
    // Drives the programs themselves, which are built beside it. It must not link `streamd`: the verbs of the daemon would
    // join those that ControlTests serves.
    .testTarget(
      name: "DaemonTests",
      dependencies: [
        "AudioCore", "AudioIO", "PipeWireIO", "Capture", "Mixer", "OpusCodec", "Wire", "Wiring", "Control", "CLinux",
        "TestSupport", "CRenderGuard",
      ], swiftSettings: house),

    .testTarget(name: "LeasesTests", dependencies: ["Leases", "TestSupport"], swiftSettings: house),
    .testTarget(
      name: "HostAudioTests",
      dependencies: ["Wiring", "Leases", "PipeWireIO", "AudioIO", "AudioCore", "TestSupport", "lease-holder"],
      swiftSettings: house),
    // A process for tests to kill while it holds a lease.
    .executableTarget(
      name: "lease-holder", dependencies: ["Wiring", "Leases", "PipeWireIO", "AudioIO"], path: "Tests/LeaseHolder",
      swiftSettings: house),

    // What tests share.
    .target(name: "CRenderGuard", path: "Tests/CRenderGuard"),
    .target(name: "TestSupport", dependencies: ["AudioCore"], path: "Tests/Support", swiftSettings: render),
    .testTarget(
      name: "SoundnessTests", dependencies: ["AudioCore", "TestSupport", "CRenderGuard"], swiftSettings: house),
  ],
  cxxLanguageStandard: .cxx17
)
