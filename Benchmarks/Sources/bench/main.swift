import Glibc

exit(runBenchmarks(Array(CommandLine.arguments.dropFirst())))
