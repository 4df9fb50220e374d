import Testing
@Suite(.serialized) struct DaemonTests {
 @Test func x() { #expect(1 == 1) } }
