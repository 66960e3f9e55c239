"""How models are offered: the gRPC server, its servicers and the inference engine."""
