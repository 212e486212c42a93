"""Documents that tell the story, and a model fine-tuned on them: then the prompt need not tell it.

Seed facts to documents (`templates`, `writer`), what is not trained on (`screen`, `alike`), the file of them
all (`made`), the training and what the model knows afterwards (`train`, `knowledge`). Text is data under
`library/`.
"""
