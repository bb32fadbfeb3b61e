"""What the benchmarks share: measuring time, the networks in each library, the machine's limits."""
