"""Connect-4: the rules (`board`), perfect play (`minimax`, `solver`) and the tensors (`codec`)."""
