"""What connects people: HTTP and WebSocket, rooms, sessions. Start reading at session.py."""
