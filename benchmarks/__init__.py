"""What claims about speed rest on: ratios of ours to the plain way, measured in one run. python -m benchmarks"""
