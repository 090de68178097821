"""Networks over pictures and over words in their order, trained by torch (extra `torch`)."""
