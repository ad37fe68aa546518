"""One verb a file, one public function each, in the order of the night."""
