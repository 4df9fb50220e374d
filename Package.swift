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

/// Render code is optimised in debug builds too, so that tests run it at its real speed; so is what looks at much sound.
let render: [SwiftSetting] =
  house + [.unsafeFlags(["-O"], .when(configuration: .debug))]

let package = Package(
  name: "streamd",
  products: [
    .executable(name: "streamd", targets: ["streamd"]),
    .executable(name: "streamctl", targets: ["streamctl"]),
    .library(
      name: "StreamdRooms",
      targets: [
        "AudioCore", "AudioIO", "PipeWireIO", "ALSAIO", "JACKIO", "Capture", "Mixer", "OpusCodec", "Recording", "Wire",
        "Wiring",
      ]),
    // For the package that fuzzes them.
    .library(name: "StreamdProbes", targets: ["Probes"]),
  ],
  targets: [
    // What Swift cannot see: macros, variadics, C++.
    .target(name: "CLinux", path: "Sources/CShims/Linux"),
    .systemLibrary(
      name: "CPipeWireSystem", path: "Sources/CShims/PipeWireSystem", pkgConfig: "libpipewire-0.3",
      providers: [.apt(["libpipewire-0.3-dev"])]),
    .target(name: "CPipeWire", dependencies: ["CPipeWireSystem", "CLinux"], path: "Sources/CShims/PipeWire"),
    .systemLibrary(
      name: "CALSASystem", path: "Sources/CShims/ALSASystem", pkgConfig: "alsa", providers: [.apt(["libasound2-dev"])]),
    .target(name: "CALSA", dependencies: ["CALSASystem"], path: "Sources/CShims/ALSA"),
    .systemLibrary(
      name: "CJACKSystem", path: "Sources/CShims/JACKSystem", pkgConfig: "jack",
      providers: [.apt(["libjack-jackd2-dev"])]),
    .target(name: "CJACK", dependencies: ["CJACKSystem", "CLinux"], path: "Sources/CShims/JACK"),
    .systemLibrary(
      name: "COpusSystem", path: "Sources/CShims/OpusSystem", pkgConfig: "opus",
      providers: [.apt(["libopus-dev"])]),
    .target(name: "COpus", dependencies: ["COpusSystem"], path: "Sources/CShims/Opus"),
    // Its calls are plain functions, so no shim stands before it.
    .systemLibrary(
      name: "CCryptoSystem", path: "Sources/CShims/CryptoSystem", pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"])]),
    .systemLibrary(
      name: "CMicroHTTPSystem", path: "Sources/CShims/MicroHTTPSystem", pkgConfig: "libmicrohttpd",
      providers: [.apt(["libmicrohttpd-dev"])]),
    .target(name: "CMicroHTTP", dependencies: ["CMicroHTTPSystem"], path: "Sources/CShims/MicroHTTP"),
    // Plain functions too.
    .systemLibrary(
      name: "CSoundFileSystem", path: "Sources/CShims/SoundFileSystem", pkgConfig: "sndfile",
      providers: [.apt(["libsndfile1-dev"])]),
    // Its pkg-config file has flags that packages may not use.
    .systemLibrary(
      name: "CNcursesSystem", path: "Sources/CShims/NcursesSystem", providers: [.apt(["libncurses-dev"])]),
    .target(
      name: "CNcurses", dependencies: ["CNcursesSystem"], path: "Sources/CShims/Ncurses",
      linkerSettings: [.linkedLibrary("ncursesw"), .linkedLibrary("tinfo")]),
    .systemLibrary(
      name: "CSofaSystem", path: "Sources/CShims/SofaSystem", pkgConfig: "libmysofa",
      providers: [.apt(["libmysofa-dev"])]),
    // Plain functions again, in a header of our own that says which of them render may call.
    .systemLibrary(
      name: "CSpeex", path: "Sources/CShims/Speex", pkgConfig: "speexdsp", providers: [.apt(["libspeexdsp-dev"])]),
    // Optimised in debug builds too.
    .target(
      name: "CKernels", path: "Sources/CShims/Kernels",
      cSettings: [.unsafeFlags(["-O3"], .when(configuration: .debug))]),
    .target(name: "CToml", path: "Sources/CShims/Toml"),

    // Vocabulary, codecs and packet formats.
    .target(name: "AudioCore", dependencies: ["CLinux"], swiftSettings: render),
    .target(name: "AudioIO", dependencies: ["AudioCore", "Wording"], swiftSettings: render),
    .target(name: "OpusCodec", dependencies: ["AudioCore", "COpus"], swiftSettings: render),
    .target(name: "Wire", dependencies: ["AudioCore", "CCryptoSystem"], swiftSettings: render),

    .target(
      name: "SoundFiles", dependencies: ["AudioCore", "CSofaSystem", "CSoundFileSystem"], swiftSettings: render),

    // Recordings: what render writes, chunk files, what reads them.
    .target(
      name: "Recording", dependencies: ["AudioCore", "SoundFiles", "CCryptoSystem"], swiftSettings: render),

    // The audio path, in the order sound travels.
    .target(name: "PipeWireIO", dependencies: ["AudioIO", "AudioCore", "CPipeWire", "CLinux"], swiftSettings: render),
    .target(name: "AppRings", dependencies: ["AudioCore", "CLinux"], swiftSettings: render),
    .target(
      name: "ALSAIO", dependencies: ["AudioIO", "AudioCore", "CALSA", "CALSASystem", "CLinux"], swiftSettings: render),
    .target(
      name: "JACKIO", dependencies: ["AudioIO", "AudioCore", "CJACK", "CJACKSystem", "CLinux"], swiftSettings: render),
    .target(name: "Mixer", dependencies: ["AppRings", "AudioCore", "CKernels", "CSpeex"], swiftSettings: render),
    .target(
      name: "Capture", dependencies: ["AudioCore", "AudioIO", "OpusCodec", "Wire", "CLinux"], swiftSettings: render),
    .target(
      name: "VirtualMic", dependencies: ["AudioCore", "AudioIO", "OpusCodec", "Wire", "CLinux"], swiftSettings: render),

    // Control plane.
    .target(name: "Wording", swiftSettings: strict),
    .target(name: "Control", dependencies: ["Wording", "CLinux"], swiftSettings: strict),
    .target(name: "Headroom", dependencies: ["Control", "Wording"], swiftSettings: strict),
    // The same over HTTP: who may do what, and the server.
    .target(name: "WebAccess", dependencies: ["Control", "CCryptoSystem"], swiftSettings: strict),
    .target(
      name: "Web", dependencies: ["Control", "WebAccess", "CMicroHTTP", "CMicroHTTPSystem", "CLinux"],
      resources: [.embedInCode("Page/Source")], swiftSettings: strict),
    .target(name: "PushToTalk", dependencies: ["AudioCore"], swiftSettings: render),
    .target(name: "Settings", dependencies: ["Wording", "CToml"], swiftSettings: strict),

    // What is wanted of applications' sound: profiles, routes, levels.
    .target(name: "Policy", dependencies: ["AudioCore", "Settings", "Wording"], swiftSettings: strict),
    // Levels on their way to who looks at them.
    .target(name: "Metering", dependencies: ["AudioCore", "Control"], swiftSettings: house),

    // A graph as text.
    .target(name: "GraphFiles", dependencies: ["Control", "Mixer", "AudioCore", "Wording"], swiftSettings: house),

    // What is changed of the user's world, and how it is put back.
    .target(name: "Leases", swiftSettings: strict),

    // Where the rooms of the audio path are joined: a library, so that a program can embed the capture.
    .target(
      name: "Wiring",
      dependencies: [
        "AppRings", "AudioCore", "AudioIO", "Capture", "Leases", "Mixer", "OpusCodec", "Recording", "VirtualMic",
        "Wire",
        "CLinux",
      ],
      path: "Sources/streamd/Wiring", swiftSettings: house),
    .executableTarget(
      name: "streamd",
      dependencies: [
        "AppRings", "AudioCore", "AudioIO", "PipeWireIO", "ALSAIO", "JACKIO", "Capture", "Mixer", "GraphFiles",
        "SoundFiles", "VirtualMic", "OpusCodec", "Wire", "Wiring", "Leases", "Control", "Headroom", "Settings",
        "Policy", "Metering", "PushToTalk", "Recording", "Web", "WebAccess", "Wording", "CLinux",
      ], exclude: ["Wiring"], swiftSettings: house),
    .executableTarget(
      name: "streamctl",
      dependencies: [
        "AudioCore", "AudioIO", "PipeWireIO", "ALSAIO", "JACKIO", "Mixer", "GraphFiles", "SoundFiles", "VirtualMic",
        "OpusCodec", "Wire", "Control", "Policy", "Recording", "Settings", "Wording", "WebAccess", "CLinux",
        "CNcurses",
      ], swiftSettings: house),
    .testTarget(name: "ControlTests", dependencies: ["Control"], swiftSettings: house),
    .testTarget(
      name: "WebTests", dependencies: ["Web", "WebAccess", "Control", "TestSupport"], swiftSettings: house),
    // Optimised, for it goes through thousands of sequences.
    .testTarget(name: "PushToTalkTests", dependencies: ["PushToTalk", "AudioCore"], swiftSettings: render),
    .testTarget(name: "HeadroomTests", dependencies: ["Headroom", "Control"], swiftSettings: house),
    .testTarget(
      name: "PolicyTests",
      dependencies: ["Policy", "Settings", "AudioCore", "Wording", "TestSupport"],
      swiftSettings: house),
    .testTarget(name: "MeteringTests", dependencies: ["Metering", "AudioCore", "Control"], swiftSettings: house),
    .testTarget(name: "SettingsTests", dependencies: ["Settings", "Wording"], swiftSettings: house),
    .testTarget(
      name: "OpusCodecTests", dependencies: ["OpusCodec", "AudioCore"],
      swiftSettings: house),
    .testTarget(name: "WireTests", dependencies: ["Wire", "AudioCore", "CRenderGuard"], swiftSettings: house),
    .testTarget(
      name: "StreamctlTests",
      dependencies: [
        "streamctl", "Mixer", "SoundFiles", "VirtualMic", "AudioCore", "OpusCodec", "Wire", "Control", "CLinux",
        "TestSupport",
      ],
      swiftSettings: house),
    .testTarget(
      name: "VirtualMicTests",
      dependencies: [
        "VirtualMic", "AudioCore", "AudioIO", "OpusCodec", "COpus", "COpusSystem", "Wire", "Wiring", "CLinux",
        "CRenderGuard", "TestSupport",
      ],
      swiftSettings: render),
    // Optimised like what they test: hours of virtual time in seconds.
    .testTarget(
      name: "AudioCoreTests", dependencies: ["AudioCore", "CResamplerReference", "CRenderGuard"], swiftSettings: render),
    .testTarget(
      name: "MixerTests",
      dependencies: [
        "Mixer", "AppRings", "AudioIO", "AudioCore", "SoundFiles", "CAppRing", "CRenderGuard", "TestSupport",
      ],
      swiftSettings: render),
    .testTarget(
      name: "ProcessorTests",
      dependencies: ["Mixer", "AudioCore", "CRenderGuard", "CLoudnessReference", "TestSupport"],
      swiftSettings: render),
    .testTarget(
      name: "GraphFilesTests",
      dependencies: ["GraphFiles", "Mixer", "Control", "Policy", "Settings", "AudioCore", "TestSupport"],
      swiftSettings: house),
    .testTarget(
      name: "SoundFilesTests",
      dependencies: [
        "SoundFiles", "Mixer", "AudioCore", "CSofaSystem", "CSoundFileSystem", "TestSupport", "head-reader",
      ],
      swiftSettings: render),
    // A program that opens sound files, and does nothing else.
    .executableTarget(
      name: "head-reader", dependencies: ["SoundFiles"], path: "Tests/HeadReader", swiftSettings: house),
    .testTarget(
      name: "CaptureTests",
      dependencies: ["Capture", "Mixer", "AudioIO", "AudioCore", "OpusCodec", "Wire", "TestSupport"],
      swiftSettings: render),
    // The header as applications use it.
    .target(name: "CAppRing", path: "Tests/CAppRing"),
    .testTarget(
      name: "AppRingsTests", dependencies: ["AppRings", "AudioCore", "CAppRing", "CLinux", "CRenderGuard"],
      swiftSettings: render),
    .testTarget(name: "AudioIOTests", dependencies: ["AudioIO", "AudioCore"], swiftSettings: house),
    .testTarget(
      name: "PipeWireIOTests", dependencies: ["PipeWireIO", "AudioIO", "AudioCore", "CPipeWire", "TestSupport"],
      swiftSettings: render),
    .testTarget(
      name: "ALSAIOTests", dependencies: ["ALSAIO", "AudioIO", "AudioCore", "CRenderGuard", "TestSupport"],
      swiftSettings: render),
    .testTarget(
      name: "JACKIOTests", dependencies: ["JACKIO", "AudioIO", "AudioCore", "CRenderGuard", "TestSupport"],
      swiftSettings: render),
    .testTarget(
      name: "ContractTests", dependencies: ["AudioIO", "PipeWireIO", "ALSAIO", "JACKIO", "AudioCore", "TestSupport"],
      swiftSettings: house),
    // Drives the programs themselves, which are built beside it; optimised, for it looks at many seconds of sound. It must
    // not link `streamd`: the verbs of the daemon would join those that ControlTests serves.
    .testTarget(
      name: "DaemonTests",
      dependencies: [
        "AppRings", "AudioCore", "AudioIO", "PipeWireIO", "Capture", "Mixer", "OpusCodec", "Wire", "Wiring", "Control",
        "CLinux", "VirtualMic", "TestSupport", "CRenderGuard", "CAppRing",
      ], swiftSettings: render),

    .testTarget(
      name: "RecordingTests",
      dependencies: [
        "Recording", "AudioIO", "AudioCore", "SoundFiles", "CSoundFileSystem", "CRenderGuard", "TestSupport",
        "recorder-victim",
      ], swiftSettings: render),
    // A process for tests to kill while it records.
    .executableTarget(
      name: "recorder-victim", dependencies: ["Recording", "AudioCore"], path: "Tests/RecorderVictim",
      swiftSettings: render),

    .testTarget(name: "LeasesTests", dependencies: ["Leases", "TestSupport"], swiftSettings: house),
    .testTarget(
      name: "HostAudioTests",
      dependencies: ["Wiring", "Leases", "PipeWireIO", "AudioIO", "AudioCore", "TestSupport", "lease-holder"],
      swiftSettings: house),
    .testTarget(
      name: "MicSourceTests", dependencies: ["PipeWireIO", "AudioIO", "AudioCore", "TestSupport"],
      swiftSettings: house),
    // A process for tests to kill while it holds a lease.
    .executableTarget(
      name: "lease-holder", dependencies: ["Wiring", "Leases", "PipeWireIO", "AudioIO"], path: "Tests/LeaseHolder",
      swiftSettings: house),

    // What tests share.
    .target(name: "CRenderGuard", path: "Tests/CRenderGuard"),
    // What judges loudness and true peaks in tests.
    .systemLibrary(
      name: "CLoudnessReference", path: "Tests/CLoudnessReference", pkgConfig: "libebur128",
      providers: [.apt(["libebur128-dev"])]),
    // What judges the resampler in tests.
    .systemLibrary(
      name: "CResamplerReference", path: "Tests/CResamplerReference",
      providers: [.apt(["libsoxr-dev", "libsamplerate0-dev"])]),
    .target(name: "TestSupport", dependencies: ["AudioCore"], path: "Tests/Support", swiftSettings: render),
    // Parsers of what anybody may send, and what must hold: asked by the tests and by the fuzzer.
    .target(
      name: "Probes", dependencies: ["AudioCore", "Wire", "VirtualMic", "Control", "COpusSystem"], path: "Tests/Probes",
      swiftSettings: house),
    .testTarget(name: "ProbeTests", dependencies: ["Probes", "TestSupport"], swiftSettings: house),
    .testTarget(
      name: "SoundnessTests", dependencies: ["AudioCore", "TestSupport", "CRenderGuard"], swiftSettings: house),
  ],
  cxxLanguageStandard: .cxx17
)

// The sanitizers' builds take as long as they have targets: STREAMD_TESTS names the test targets that are wanted, which
// stay with what they depend on.
if let wanted = Context.environment["STREAMD_TESTS"] {
  var kept = Set(package.targets.lazy.filter { $0.type == .test && wanted.contains($0.name) }.map(\.name))
  var open = Array(kept)
  while let name = open.popLast() {
    for dependency in package.targets.first(where: { $0.name == name })?.dependencies ?? [] {
      switch dependency {
      case .targetItem(let name, _), .byNameItem(let name, _): if kept.insert(name).inserted { open.append(name) }
      default: break
      }
    }
  }
  package.targets.removeAll { !kept.contains($0.name) }
  package.products = []
}
