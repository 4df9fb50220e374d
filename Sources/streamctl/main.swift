import Glibc
import SoundFiles

HeadProcess.serve(CommandLine.arguments)
signal(SIGPIPE, SIG_IGN)
exit(Program.main(CommandLine.arguments.dropFirst().map { $0 }))
