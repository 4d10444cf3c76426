"""The exercises of each lesson as code: truths, inputs, and the mistakes that are known."""
