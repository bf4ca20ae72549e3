"""Raw features to dense vectors and categorical ids, once for training and for serving."""
