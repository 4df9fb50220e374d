import Testing

@testable import AudioIO

@Suite struct DeviceSelectionTests {
  /// Two sinks, two microphones, and the same card again in ALSA.
  private func registry() -> DeviceRegistry {
    var registry = DeviceRegistry()
    _ = registry.update(
      "pipewire",
      DeviceSnapshot(
        sightings: [
          Seen.sink("alsa_output.pci.analog-stereo", handle: "1", description: "Built-in Audio"),
          Seen.sink("alsa_output.usb-Scarlett.analog", handle: "2", description: "Scarlett 2i2"),
          Seen.microphone(
            handle: "3", name: "alsa_input.usb-Scarlett.analog", description: "Scarlett 2i2", serial: "F1"),
          Seen.microphone(handle: "4", name: "alsa_input.usb-Acme.mono", description: "Acme Mic", serial: "F2"),
        ], defaults: [.output: "alsa_output.pci.analog-stereo"]))
    _ = registry.update(
      "alsa",
      DeviceSnapshot(sightings: [
        Seen.sink("hw:CARD=USB,DEV=0", handle: "1/USB/0", description: "Scarlett 2i2"), Seen.sink("null", handle: "n"),
      ]))
    return registry
  }

  private func failure(_ words: String, _ scope: DeviceScope = DeviceScope()) -> DeviceError? {
    do throws(DeviceError) {
      _ = try registry().find(words, scope)
      return nil
    } catch { return error }
  }

  @Test(arguments: [
    ("alsa_output.usb-Scarlett.analog", DeviceDirection?.none, "alsa_output.usb-Scarlett.analog"),
    ("Scarlett 2i2", .output, "alsa_output.usb-Scarlett.analog"),
    ("scarlett 2I2", .input, "alsa_input.usb-Scarlett.analog"),
    ("*Scarlett*", .input, "alsa_input.usb-Scarlett.analog"),
    ("Acme ???", nil, "alsa_input.usb-Acme.mono"),
    ("pipewire:input:serial/F2/analog", nil, "alsa_input.usb-Acme.mono"),
    ("default", .output, "alsa_output.pci.analog-stereo"),
    ("alsa:Scarlett*", nil, "hw:CARD=USB,DEV=0"), ("null", nil, "null"), ("alsa:null", .output, "null"),
    ("pipewire:Built-in Audio", nil, "alsa_output.pci.analog-stereo"),
  ]) func wordsNameOneDevice(words: String, direction: DeviceDirection?, name: String) throws {
    #expect(try registry().find(words, DeviceScope(direction)).name == name)
  }

  @Test func severalAreNamedAndNoneTaken() throws {
    let error = try #require(failure("Scarlett 2i2"))
    #expect(error.code == .ambiguous && error.candidates.count == 2)
    #expect(error.description.contains("pipewire:output:name/alsa_output.usb-Scarlett.analog"), "\(error)")
    #expect(error.description.contains("pipewire:input:serial/F1/analog"), "\(error)")
    #expect(failure("*")?.code == .ambiguous)
    #expect(failure("*", DeviceScope(.input))?.candidates.count == 2)
  }

  /// A name that is nearly right is told, never taken; nor is a part of one.
  @Test func whatIsAlikeIsToldAndNotTaken() throws {
    let error = try #require(failure("Scarlet 2i2", DeviceScope(.input)))
    #expect(
      error.code == .unknown && error.candidates == ["Scarlett 2i2"] && error.hint?.contains("Scarlett 2i2") == true)
    #expect(failure("Scarlett")?.candidates.contains("Scarlett 2i2") == true)
    let other = try #require(failure("Acme Mic", DeviceScope(.output)))
    #expect(other.code == .unknown && other.hint == "\"Acme Mic\" is an input", "\(other)")
    let strange = try #require(failure("zzz", DeviceScope(.input)))
    #expect(strange.hint?.contains("alsa_input.usb-Acme.mono") == true, "\(strange)")
    #expect(failure("", DeviceScope(.input))?.code == .noDefault)
    #expect(failure("default")?.code == .ambiguous)
    #expect(failure("alsa:Acme Mic")?.code == .unknown)
    #expect(failure("jack:system")?.hint == "there is no device")
  }

  @Test func aSystemThatShowsNothingIsNamed() throws {
    var registry = DeviceRegistry()
    _ = registry.update("jack", DeviceSnapshot(trouble: BackendError(.serverUnavailable, "no JACK server answers")))
    do throws(DeviceError) {
      _ = try registry.find("jack:system")
      Issue.record("found")
    } catch {
      #expect(error.code == .unseen && error.message.contains("no JACK server answers"))
    }
  }

  @Test func whoOnceFoundADeviceKeepsToIt() throws {
    var registry = DeviceRegistry()
    let scarlett = Seen.microphone(handle: "1", name: "scarlett", description: "USB one", serial: "A")
    let other = Seen.microphone(handle: "2", name: "other", description: "USB two", serial: "B")
    var claim = DeviceClaim("USB*", DeviceScope(.input))
    guard case .failure(let early) = claim.look(in: registry) else { return #expect(Bool(false)) }
    #expect(early.code == .unknown && claim.id == nil)
    _ = registry.update("pipewire", DeviceSnapshot(sightings: [scarlett]))
    #expect(try claim.look(in: registry).get().name == "scarlett")
    // The pattern now fits another one alone: that is not what was taken.
    _ = registry.update("pipewire", DeviceSnapshot(sightings: [other]))
    guard case .failure(let away) = claim.look(in: registry) else { return #expect(Bool(false)) }
    #expect(away.code == .away)
    // It is back under another name, and the pattern fits both.
    let back = Seen.microphone(handle: "7", name: "scarlett.2", description: "USB one", serial: "A")
    _ = registry.update("pipewire", DeviceSnapshot(sightings: [other, back]))
    #expect(try claim.look(in: registry).get().name == "scarlett.2")
  }

  @Test func aNodeMadeAnewUnderTheVeryNameIsTaken() throws {
    var registry = DeviceRegistry()
    var claim = DeviceClaim("mic", DeviceScope(.input))
    _ = registry.update("pipewire", DeviceSnapshot(sightings: [Seen.microphone(handle: "1", name: "mic", serial: "A")]))
    _ = try claim.look(in: registry).get()
    _ = registry.update("pipewire", DeviceSnapshot(sightings: [Seen.microphone(handle: "2", name: "mic", serial: "B")]))
    #expect(try claim.look(in: registry).get().hardware.serial == "B")
  }

  @Test func aKnownDeviceThatIsAwayIsSaidToBe() throws {
    var registry = DeviceRegistry()
    _ = registry.update("pipewire", DeviceSnapshot(sightings: [Seen.sink("speakers", handle: "1")]))
    _ = registry.update("pipewire", DeviceSnapshot())
    for words in ["speakers", "pipewire:output:name/speakers"] {
      do throws(DeviceError) {
        _ = try registry.find(words)
        Issue.record("found \(words)")
      } catch { #expect(error.code == .away, "\(words): \(error)") }
    }
  }
}
