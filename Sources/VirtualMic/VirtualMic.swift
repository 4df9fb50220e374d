// VirtualMic
