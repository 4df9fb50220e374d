import Glibc

signal(SIGPIPE, SIG_IGN)
exit(Program.main(CommandLine.arguments.dropFirst().map { $0 }))
