// What a talker's voice is made of when it comes over a network.
extension TalkerPlayout: TalkerVoice {}
