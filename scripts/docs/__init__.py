"""The documentation site: pages written by hand in docs/, pages made from the code here, one site without a network."""
