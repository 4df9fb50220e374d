import Glibc

exit(Service.main(CommandLine.arguments.dropFirst().map { $0 }))
