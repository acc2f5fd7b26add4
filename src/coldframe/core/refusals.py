"""What the operating system refused, as a sentence for who typed a command."""


def sentence(problem: Exception) -> str:
    """Say it without its number: `/data: Permission denied`."""
    if isinstance(problem, OSError) and problem.strerror:
        return f"{problem.filename}: {problem.strerror}" if problem.filename is not None else problem.strerror
    return str(problem)
