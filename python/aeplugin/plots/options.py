from aeplugin.cli.plot_options import input_options, inputs_of

__all__ = ["input_options", "inputs_of"]
