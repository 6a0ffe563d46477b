"""Speech recognition, speech synthesis, voice activity: one module per engine, one interface."""
