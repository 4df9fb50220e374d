import Glibc
import SoundFiles

HeadProcess.serve(CommandLine.arguments)
exit(Service.main(CommandLine.arguments.dropFirst().map { $0 }))
