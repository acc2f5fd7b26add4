"""The engines that do the work, one folder each; none of them knows AWS."""
