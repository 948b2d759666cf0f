"""What every listener needs: strict JSON, problem details, servers that know who is at the other end."""
