"""Audio that comes as RTP: offers looked over, packets put in order. Needs the extra `webrtc`."""
